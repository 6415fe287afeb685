import { h as element, type VNode } from 'preact';

export type Child = VNode | string | number | false | null | undefined;

/** The function of Preact, with untyped attributes. Text is always text: nothing on the page is parsed as HTML. */
export const h = element as unknown as (
  name: string,
  attributes: Readonly<Record<string, unknown>> | null,
  ...children: readonly (Child | readonly Child[])[]
) => VNode;
