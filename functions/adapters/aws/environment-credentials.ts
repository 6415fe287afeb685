/** Credentials of a function: they come from its environment only, and it never has others. */
export function environmentCredentials(environment: NodeJS.ProcessEnv) {
  return async () => ({
    accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    ...(environment['AWS_SESSION_TOKEN'] ? { sessionToken: environment['AWS_SESSION_TOKEN'] } : {}),
  });
}
