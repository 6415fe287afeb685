/**
 * Preloaded into a function's process: before each result it logs what the invocation took. Plain JavaScript, as the
 * program that it is loaded into.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const send = process.send.bind(process);
let began = 0;
let before = 0;

process.on('message', () => {
  began = performance.now();
});

process.send = (message, ...rest) => {
  if (message?.kind === 'done') {
    const { user, system } = process.cpuUsage();
    const total = (user + system) / 1000;
    const text = JSON.stringify({
      by: 'nightshift-bench',
      id: message.id,
      cpuMs: total - before,
      memoryMb: mostMemoryMb(),
      handlerMs: performance.now() - began,
    });
    before = total;
    send({ kind: 'log', stream: 'stdout', text: `${text}\n` });
  }
  return send(message, ...rest);
};

/** Linux's `maxRSS` of a process begins with what its parent had before it became this program; `VmHWM` does not. */
function mostMemoryMb() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS / 1024;
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
