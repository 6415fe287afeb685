/** Processor time and memory of processes, as Linux counts them. */
import { readFileSync } from 'node:fs';

export interface Usage {
  readonly cpuMs: number;
  /** The most memory that the process ever had: what it shares with others is counted too. */
  readonly peakMb: number;
}

export interface UsageWatch {
  /** Of all processes that were seen: the processor time since the beginning, and the sum of their most memory. */
  stop(): Usage;
}

/** Unchanged on every Linux: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICK_MS = 10;
const EVERY_MS = 250;

export function usageIn(stat: string, status: string): Usage {
  // The name of the program stands in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [, kilobytes = '0'] = /^VmHWM:\s*(\d+) kB$/m.exec(status) ?? [];
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    peakMb: Number(kilobytes) / 1_024,
  };
}

/** A process that ends meanwhile counts as it was a quarter of a second before its end, at the latest. */
export function watchProcesses(pids: () => readonly number[]): UsageWatch {
  const before = new Map<number, number>();
  const seen = new Map<number, Usage>();
  for (const pid of pids()) before.set(pid, usageOf(pid)?.cpuMs ?? 0);
  const look = () => {
    for (const pid of pids()) {
      const usage = usageOf(pid);
      if (usage) seen.set(pid, usage);
    }
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      const all = [...seen];
      return {
        cpuMs: all.reduce((sum, [pid, { cpuMs }]) => sum + cpuMs - (before.get(pid) ?? 0), 0),
        peakMb: all.reduce((sum, [, { peakMb }]) => sum + peakMb, 0),
      };
    },
  };
}

function usageOf(pid: number): Usage | undefined {
  try {
    const text = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
    return usageIn(text('stat'), text('status'));
  } catch {
    return undefined;
  }
}
