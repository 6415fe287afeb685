/** Collects what the suites of `test/conformance/` found. */
import type { Reporter, TestCase } from 'vitest/node';
import type { PartName } from './parts.ts';
import type { Finding } from './report.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Name and version of the software that a conformance test looked at. */
    checkedOn?: string;
    /** What to know of the result: a difference from the documentation, with its source. */
    notes?: string[];
  }
}

export function createFindings(
  partOf: (file: string) => PartName,
): Reporter & { readonly findings: Finding[] } {
  const findings: Finding[] = [];
  return {
    findings,
    // By file and as they are written, not as they ended: two runs give the same table.
    onTestRunEnd(modules) {
      for (const module of modules.toSorted((one, other) => (one.moduleId < other.moduleId ? -1 : 1)))
        for (const test of module.children.allTests())
          findings.push(findingOf(test, partOf(module.moduleId)));
    },
  };
}

function findingOf(test: TestCase, part: PartName): Finding {
  const result = test.result();
  const { checkedOn = 'not reached', notes = [] } = test.meta();
  const skipped = result.state === 'skipped' && result.note ? [result.note] : [];
  return {
    part,
    behaviour: test.fullName.replaceAll(' > ', ': '),
    checkedOn,
    result: { passed: 'as expected', failed: 'differs', skipped: 'not there', pending: 'differs' }[
      result.state
    ] as Finding['result'],
    notes: [...notes, ...skipped],
  };
}
