export const { env, versions } = process.getBuiltinModule('node:process');
