/** A day on the lab with every byte of its AWS kept: the functions as they are deployed, a night, a drain, deploys. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AwsExchange } from '@nightshift/lab/http/aws/server.ts';
import { playSampleDay } from '#demo/sample/sample-day.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import { defineConfig } from '#model/config.ts';

const NOW = new Date('2026-11-23T00:00:00Z');

const config = defineConfig({
  schedules: {
    shifts: {
      timeZone: 'Asia/Kathmandu',
      up: ['daily 21:00-22:00', 'daily 23:00-23:40', 'daily 00:30-02:00'],
    },
  },
  environments: {
    preview: {
      account: '123456789012',
      region: 'eu-central-1',
      cluster: 'preview-eu',
      schedule: 'shifts',
      notify: { failure: ['night@example.com'], warning: ['night@example.com'], info: ['night@example.com'] },
      deploy: {
        argocd: { url: 'https://cd.preview.example.org:8443', tokenSecret: 'cd/preview' },
        builds: [
          {
            project: 'shop-preview',
            repository: 'https://github.com/example/shop',
            branch: 'release/next',
            applications: ['shop'],
          },
        ],
      },
    },
    live: { production: true, account: '210987654321', region: 'eu-central-1', cluster: 'live-eu' },
  },
});

export async function recordDay(): Promise<readonly AwsExchange[]> {
  const directory = await mkdtemp(path.join(tmpdir(), 'recorded-day-'));
  try {
    new NightshiftApp({ config, now: NOW, outdir: directory }).synth();
    const exchanges: AwsExchange[] = [];
    const day = await playSampleDay({
      config,
      assemblyDir: directory,
      now: NOW,
      onExchange: (exchange) => exchanges.push(exchange),
    });
    await day.lab.close();
    if (day.summary?.problems.length !== 0)
      throw new Error(`the day went wrong: ${day.summary?.problems.join('; ')}`);
    return exchanges;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
