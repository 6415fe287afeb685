/**
 * Days on the lab with night-schedule alone, from the stack as it would be deployed. Its schedules fire around each stop
 * and each start; the hours between, in which nothing changes, pass at once.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lab, startLab } from '#demo/lab.ts';
import { NightshiftApp } from '#lib/nightshift-app.ts';
import { defineConfig } from '#model/config.ts';
import type { Decision } from '#model/decision.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#model/duration.ts';
import { nightshift } from '../cli/run-nightshift.ts';

/** 10:00 on a Tuesday in Tokyo. */
const START = Date.parse('2026-11-24T01:00:00Z');

export interface Month {
  readonly lab: Lab;
  readonly decisions: readonly Decision[];
  /** 08:00 of the morning, counted from 1. */
  promised(morning: number): number;
  /** From the evening to after the start. `before` runs ten minutes before the promised time, `after` ten minutes after it. */
  night(
    morning: number,
    happening?: { readonly before: () => void; readonly after: () => void },
  ): Promise<void>;
  /** The schedules fire from one instant to the other; before it time passes without them. */
  played(from: number, to: number): Promise<void>;
  /** What the topic for warnings sent, as mail, since the instant. */
  warnings(since: number): readonly string[];
  readonly configPath: string;
  nightshift(...args: string[]): ReturnType<typeof nightshift>;
  close(): Promise<void>;
}

export async function aMonth(stubEnv: (name: string, value: string | undefined) => void): Promise<Month> {
  const config = defineConfig({
    schedules: { office: { timeZone: 'Asia/Tokyo', up: ['Mon-Sun 08:00-22:00'] } },
    environments: {
      develop: {
        account: '111111111111',
        region: 'ap-northeast-1',
        cluster: 'develop',
        schedule: 'office',
        readyBy: 'nodes',
        notify: { warning: ['team@example.com'], failure: ['team@example.com'] },
        prices: { currency: 'USD', perNodeHour: { '*': 0.05 } },
      },
    },
  });
  const directory = mkdtempSync(join(tmpdir(), 'month-'));
  const assemblyDir = join(directory, 'out');
  const configPath = join(directory, 'nightshift.config.json');
  writeFileSync(configPath, JSON.stringify(config));
  new NightshiftApp({ config, now: new Date(START), outdir: assemblyDir }).synth();
  const decisions: Decision[] = [];
  const onDecision = (decision: Decision) => void decisions.push(decision);
  const lab = await startLab({ config, assemblyDir, start: new Date(START), onDecision });
  const { clock } = lab.context;
  lab.assembly.disarm();
  const played = async (from: number, to: number) => {
    await clock.runUntil(from);
    lab.assembly.arm();
    await clock.runUntil(to);
    lab.assembly.disarm();
  };
  const promised = (morning: number) => START + (morning - 1) * DAY_MS + 22 * HOUR_MS;
  return {
    lab,
    configPath,
    decisions,
    promised,
    played,
    async night(morning, happening) {
      const at = promised(morning);
      await played(at - 10 * HOUR_MS - 2 * MINUTE_MS, at - 10 * HOUR_MS + 8 * MINUTE_MS);
      await played(at - 20 * MINUTE_MS, at - 10 * MINUTE_MS);
      happening?.before();
      await played(at - 10 * MINUTE_MS, at + 10 * MINUTE_MS);
      if (!happening) return;
      happening.after();
      await played(at + 10 * MINUTE_MS, at + 25 * MINUTE_MS);
    },
    warnings(since) {
      const topic = lab.aws.messaging.topics().find(({ name }) => name === 'nightshift-develop-warning');
      return (topic?.messages ?? [])
        .filter(({ time }) => time >= since)
        .map(({ message }) => (JSON.parse(message) as { email: string }).email);
    },
    nightshift(...args) {
      const [environment] = lab.environments;
      stubEnv('AWS_ENDPOINT_URL', lab.front.url);
      stubEnv('AWS_ACCESS_KEY_ID', environment?.operator.accessKeyId);
      stubEnv('AWS_SECRET_ACCESS_KEY', environment?.operator.secretAccessKey);
      stubEnv('AWS_SESSION_TOKEN', undefined);
      return nightshift(['--config', configPath, ...args], { now: new Date(clock.now()) });
    },
    async close() {
      await lab.close();
      rmSync(directory, { recursive: true });
    },
  };
}
