export const { join, sep } = process.getBuiltinModule('node:path');
