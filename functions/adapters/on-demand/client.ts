/** A client that is loaded with the first question to it. The files beside this one are what is loaded then. */
export function onDemand<C extends { send(...question: never[]): unknown }>(
  load: () => Promise<C>,
): Pick<C, 'send'> {
  let client: Promise<C> | undefined;
  const send = async (...question: never[]) => {
    client ??= load();
    return (await client).send(...question);
  };
  return { send } as Pick<C, 'send'>;
}
