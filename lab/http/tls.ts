/** The lab's certificate authority: one per lab, for everything that it serves over TLS. */
import { isIP } from 'node:net';
import { generate } from 'selfsigned';

export interface CertificateAuthority {
  /** The root certificate, for NODE_EXTRA_CA_CERTS, DescribeCluster and kubeconfigs. */
  readonly pem: string;
  /** A server certificate for host names and IP addresses, with its key; both PEM. */
  issue(hosts: readonly string[]): Promise<{ readonly key: string; readonly cert: string }>;
}

/** TLS is checked against the machine's clock while the lab lives in virtual time: valid far around both. */
const validity = {
  notBeforeDate: new Date('2000-01-01T00:00:00Z'),
  notAfterDate: new Date('2049-12-31T00:00:00Z'),
};

const signing = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256', ...validity } as const;

export async function createCertificateAuthority(): Promise<CertificateAuthority> {
  const root = await generate([{ name: 'commonName', value: 'eks-nightshift lab' }], {
    ...signing,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
    ],
  });
  return {
    pem: root.cert,
    async issue(hosts) {
      const [first] = hosts;
      if (first === undefined) throw new Error('a certificate for no host: name at least one');
      const leaf = await generate([{ name: 'commonName', value: first.slice(0, 64) }], {
        ...signing,
        ca: { key: root.private, cert: root.cert },
        extensions: [
          { name: 'basicConstraints', cA: false, critical: true },
          { name: 'keyUsage', digitalSignature: true, critical: true },
          { name: 'extKeyUsage', serverAuth: true },
          {
            name: 'subjectAltName',
            altNames: hosts.map((host) => (isIP(host) ? { type: 7, ip: host } : { type: 2, value: host })),
          },
        ],
      });
      return { key: leaf.private, cert: leaf.cert };
    },
  };
}
