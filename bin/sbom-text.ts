/** The software bill of materials of a release, in CycloneDX 1.6: every delivered package of the lock file, with its hash. */
import { isDelivered, type Lock, nameIn } from './licences-text.ts';

export function sbomOf(lock: Lock, release: { readonly name: string; readonly version: string }): string {
  const components = Object.entries(lock.packages)
    .filter(([path, found]) => isDelivered(lock, path, found))
    .map(([path, { version = '', license, integrity }]) => {
      const name = nameIn(path);
      const [algorithm, base64] = (integrity ?? '').split('-');
      return {
        type: 'library',
        name,
        version,
        purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
        ...(license ? { licenses: [{ expression: license }] } : {}),
        ...(algorithm === 'sha512' && base64
          ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }] }
          : {}),
      };
    })
    .sort((a, b) => (a.purl < b.purl ? -1 : 1));
  const { name, version } = release;
  return `${JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: {
        component: {
          type: 'application',
          name,
          version,
          purl: `pkg:npm/${name}@${version}`,
          licenses: [{ expression: 'Apache-2.0' }],
        },
      },
      components,
    },
    null,
    2,
  )}\n`;
}
