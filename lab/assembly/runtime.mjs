/**
 * The Lambda runtime: the program of a function's process. It shifts `Date` to virtual time before any code
 * of the function is loaded, imports the handler that the template names, and then runs one invocation after the other.
 *
 * Started as `node runtime.mjs <offset>`, with LAMBDA_TASK_ROOT and _HANDLER in the environment. Plain JavaScript, so
 * that nothing has to be compiled when a process starts.
 */
import { existsSync, readFileSync } from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import timersPromises from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const taskRoot = process.env.LAMBDA_TASK_ROOT;
const setOffset = shiftDate(Number(process.argv[2]));
const send = (message) => process.send(message);
const waits = waitInVirtualTime();

// The lab has exited: exit too.
process.on('disconnect', () => process.exit(0));

// One channel for log lines and results keeps them in order.
captureOutput(process.stdout, 'stdout');
captureOutput(process.stderr, 'stderr');

refuseImportsFromOutside(taskRoot);

let handler;
try {
  handler = await loadHandler(process.env._HANDLER);
} catch (error) {
  const missing = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(error?.code);
  const described = describe(error);
  send({
    kind: 'init-failed',
    error: missing ? { ...described, errorType: 'Runtime.ImportModuleError' } : described,
  });
  process.disconnect();
}

if (handler) {
  process.on('message', (message) => {
    if (message.kind === 'woken') waits.wake(message);
    else void run(message);
  });
  send({ kind: 'ready' });
}

async function run({ id, payload, offset, timeoutMs, context }) {
  setOffset(offset);
  const deadline = performance.now() + timeoutMs;
  waits.begin();
  try {
    const result = await handler(JSON.parse(payload), {
      ...context,
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () =>
        Math.max(0, Math.floor(deadline - performance.now() - waits.skippedMs())),
    });
    send({ kind: 'done', id, payload: JSON.stringify(result) ?? 'null' });
  } catch (error) {
    send({ kind: 'failed', id, error: describe(error) });
  }
}

async function loadHandler(name) {
  const dot = name.lastIndexOf('.');
  const file = path.join(taskRoot, name.slice(0, dot));
  const extension = ['.js', '.mjs', '.cjs'].find((candidate) => existsSync(file + candidate));
  if (!extension) {
    throw Object.assign(new Error(`Cannot find module '${name.slice(0, dot)}'`), {
      name: 'Runtime.ImportModuleError',
    });
  }
  if (extension === '.js' && !isModuleFolder()) {
    // Node would read the package.json above the asset, which Lambda has not: it would load another kind of module.
    throw Object.assign(
      new Error(`'${name}' is a .js file and the asset has no package.json with a type: emit .mjs or .cjs`),
      { name: 'Runtime.ImportModuleError' },
    );
  }
  const module = await import(pathToFileURL(file + extension).href);
  const exported = module[name.slice(dot + 1)] ?? module.default?.[name.slice(dot + 1)];
  if (typeof exported !== 'function') {
    throw Object.assign(new Error(`${name} is undefined or not exported`), {
      name: 'Runtime.HandlerNotFound',
    });
  }
  return exported;
}

function isModuleFolder() {
  const file = path.join(taskRoot, 'package.json');
  return existsSync(file) && typeof JSON.parse(readFileSync(file, 'utf8')).type === 'string';
}

/** The asset is all that Lambda has. What Node would find in this project's own node_modules is not there. */
function refuseImportsFromOutside(root) {
  const inside = `${pathToFileURL(root).href}/`;
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      if (resolved.url.startsWith('file:') && !resolved.url.startsWith(inside)) {
        throw Object.assign(
          new Error(`Cannot find package '${specifier}': it is not in the function's asset`),
          {
            name: 'Runtime.ImportModuleError',
          },
        );
      }
      return resolved;
    },
  });
}

function captureOutput(stream, name) {
  stream.write = (chunk, encoding, callback) => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    if (process.connected) send({ kind: 'log', stream: name, text });
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done) process.nextTick(done);
    return true;
  };
}

function describe(error) {
  return error instanceof Error
    ? { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split('\n') }
    : { errorType: typeof error, errorMessage: String(error), trace: [] };
}

/**
 * A pause that a function awaits by `setTimeout` of `node:timers/promises` passes in virtual time: the lab's clock may
 * jump over it. Every other timer stays real.
 */
function waitInVirtualTime() {
  const waiting = new Map();
  let count = 0;
  let skipped = 0;
  timersPromises.setTimeout = async (ms = 0, value = undefined) => {
    const id = ++count;
    const began = performance.now();
    const woken = new Promise((resolve) => waiting.set(id, resolve));
    send({ kind: 'wait', id, ms });
    await woken;
    waiting.delete(id);
    skipped += Math.max(0, ms - (performance.now() - began));
    return value;
  };
  syncBuiltinESMExports();
  return {
    wake({ id, offset }) {
      setOffset(offset);
      waiting.get(id)?.();
    },
    begin: () => {
      skipped = 0;
    },
    skippedMs: () => skipped,
  };
}

/** Shifts `Date` to virtual time. Timers and `performance.now()` stay real. */
function shiftDate(initial) {
  const RealDate = globalThis.Date;
  const realNow = RealDate.now;
  let offset = initial;
  const now = () => realNow() + offset;
  function ShiftedDate(...parts) {
    if (!new.target) return new RealDate(now()).toString();
    return Reflect.construct(
      RealDate,
      parts.length === 0 ? [now()] : parts,
      new.target === ShiftedDate ? RealDate : new.target,
    );
  }
  Object.defineProperties(ShiftedDate, {
    name: { value: 'Date' },
    length: { value: 7 },
    prototype: { value: RealDate.prototype, writable: false },
    now: { value: now, writable: true, configurable: true },
    parse: { value: RealDate.parse, writable: true, configurable: true },
    UTC: { value: RealDate.UTC, writable: true, configurable: true },
  });
  RealDate.prototype.constructor = ShiftedDate;
  globalThis.Date = ShiftedDate;
  return (next) => {
    offset = next;
  };
}
