/** The lab's CodeBuild as the adapter hears it, without HTTP. */
import { codebuildService } from '@nightshift/lab/http/codebuild.ts';
import { AwsError } from '@nightshift/lab/world/aws/error.ts';
import type { CodebuildWorld } from '@nightshift/lab/world/codebuild/index.ts';
import type { Place } from '@nightshift/lab/world/registry/registry.ts';
import { createBuilds } from '#functions/adapters/aws/codebuild.ts';
import type { Builds } from '#functions/branch-deploy/ports.ts';

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: object;
}

/** `onCall` hears the name of each operation. */
export function createLabBuilds(
  codebuild: CodebuildWorld,
  place: Place,
  onCall: (operation: string) => void = () => undefined,
): Builds {
  const service = codebuildService(codebuild);
  const client = {
    async send(command: Command) {
      const operation = command.constructor.name.replace(/Command$/, '');
      onCall(operation);
      try {
        const request = { ...place, operation, parameters: command.input };
        return withDates(await service.handle(request as never));
      } catch (error) {
        if (error instanceof AwsError) throw Object.assign(new Error(error.message), { name: error.code });
        throw error;
      }
    },
  };
  return createBuilds(client as never);
}

const TIMES = new Set(['startTime', 'endTime', 'created', 'lastModified']);

/** As the SDK reads seconds. */
function withDates(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDates);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      TIMES.has(key) && typeof one === 'number' ? new Date(one * 1_000) : withDates(one),
    ]),
  );
}
