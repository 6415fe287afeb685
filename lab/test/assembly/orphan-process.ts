/** Starts a function's process and prints its id; the test then kills this program. */
import { startFunctionProcess } from '#lab/assembly/function-process.ts';

const [taskRoot = ''] = process.argv.slice(2);
const child = startFunctionProcess({
  taskRoot,
  handler: 'index.handler',
  memoryMb: 128,
  environment: {},
  offset: () => 0,
  log: () => {},
  wait: async () => {},
});
await child.invoke({ id: '1', payload: '{}', timeoutMs: 10_000, context: {} });
process.stdout.write(`${child.pid}\n`);
setInterval(() => {}, 1_000);
