/** `template`: writes the template of one environment, the zips of its functions and an example for Terraform. Offline. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { IReusableStackSynthesizer } from 'aws-cdk-lib';
import { environmentOf, type LoadedConfig } from '#lib/config-file.ts';
import { RefusedError } from '../errors.ts';
import type { Io } from '../io.ts';
import { terraformExample } from './terraform.ts';
import { zipOf } from './zip.ts';

export interface TemplateOptions {
  readonly out?: string;
}

/** Overwrites its own files of an earlier call. Throws a `RefusedError` where the CDK is not installed. */
export async function writeTemplate(
  loaded: LoadedConfig,
  name: string,
  { out }: TemplateOptions,
  io: Io,
): Promise<void> {
  const environment = environmentOf(loaded, name);
  const folder = out ?? `nightshift-${name}`;
  const assembly = mkdtempSync(join(tmpdir(), 'nightshift-template-'));
  try {
    const { NightshiftApp, stackIdOf, BucketSynthesizer } = await loadCdk();
    const synthesizer = new BucketSynthesizer();
    const config = { ...loaded.config, environments: { [name]: environment } };
    new NightshiftApp({
      config,
      now: io.now(),
      outdir: assembly,
      defaultStackSynthesizer: synthesizer as unknown as IReusableStackSynthesizer,
    }).synth();

    const stack = stackIdOf(name);
    const template = `${stack}.template.json`;
    const assets = join(folder, 'assets');
    // Zips of an earlier version would be uploaded too.
    rmSync(assets, { recursive: true, force: true });
    mkdirSync(assets, { recursive: true });
    copyFileSync(join(assembly, template), join(folder, template));
    for (const { source, key } of synthesizer.assets)
      writeFileSync(join(assets, key), zipOf(isAbsolute(source) ? source : join(assembly, source)));
    writeFileSync(join(folder, 'main.tf'), terraformExample({ stack, template }));
    io.out(
      [
        `${folder}/${template}  ${statSync(join(folder, template)).size} bytes`,
        ...synthesizer.assets.map(
          ({ key }) => `${folder}/assets/${key}  ${statSync(join(assets, key)).size} bytes`,
        ),
        `${folder}/main.tf  an example for Terraform`,
        'next: put the zips into a bucket of the region under nightshift/, or adapt main.tf; then kubectl apply -k manifests',
      ].join('\n'),
    );
  } finally {
    rmSync(assembly, { recursive: true, force: true });
  }
}

async function loadCdk() {
  try {
    const [app, synthesizer] = await Promise.all([
      import('#lib/nightshift-app.ts'),
      import('./synthesizer.ts'),
    ]);
    return { ...app, ...synthesizer };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new RefusedError('the AWS CDK is not installed: npm install aws-cdk-lib constructs', { cause });
  }
}
