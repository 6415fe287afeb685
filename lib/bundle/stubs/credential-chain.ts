/**
 * Stands in for `@aws-sdk/credential-provider-node` in the bundles: the chain searches profiles, SSO, processes and
 * instance metadata. A function has its credentials in the environment, and `awsClientDefaults` passes them on. The
 * export carries the name that the SDK imports.
 */
export const defaultProvider = () => async (): Promise<never> => {
  throw new Error(
    'this client was made without credentials, and the bundle has no default chain: make it with awsClientDefaults()',
  );
};
