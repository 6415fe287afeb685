export const { setTimeout } = process.getBuiltinModule('node:timers');
