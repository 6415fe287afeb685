export const { createReadStream, ReadStream, fstatSync, lstatSync } = process.getBuiltinModule('node:fs');
