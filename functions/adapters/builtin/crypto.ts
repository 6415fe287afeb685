export const { createHash, createHmac, getRandomValues, randomInt } = process.getBuiltinModule('node:crypto');
