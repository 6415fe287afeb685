/** What a conformance test says of itself, for the table in docs/conformance.md. */
import { beforeEach, type TestContext } from 'vitest';
import './servers/reporter.ts';

/** Every test of the file names this software; the function is called before each of them. */
export function checkedOn(software: () => string): void {
  beforeEach(({ task }) => {
    task.meta.checkedOn = software();
  });
}

/** Something to know of a result, with its source: it becomes a numbered note below the table. */
export function note({ task }: TestContext, text: string): void {
  task.meta.notes = [...(task.meta.notes ?? []), text];
}
