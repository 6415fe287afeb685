/** A kubeconfig for kubectl, with the token in it. */
export function kubeconfig(options: {
  readonly name: string;
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
}): string {
  const { name, url, caPem, token } = options;
  const quoted = JSON.stringify;
  return `apiVersion: v1
kind: Config
clusters:
- name: ${quoted(name)}
  cluster:
    server: ${quoted(url)}
    certificate-authority-data: ${Buffer.from(caPem).toString('base64')}
contexts:
- name: ${quoted(name)}
  context:
    cluster: ${quoted(name)}
    user: ${quoted(name)}
current-context: ${quoted(name)}
users:
- name: ${quoted(name)}
  user:
    token: ${quoted(token)}
`;
}
