/** Reading the properties of a resource, whose shape only CloudFormation knows. */
import { isObject, type Json, type JsonObject } from './intrinsics.ts';

/** A string or a list of them, as a list. */
export function strings(value: Json | undefined): readonly string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

export function objects(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
