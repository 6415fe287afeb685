export const { getCACertificates } = process.getBuiltinModule('node:tls');
