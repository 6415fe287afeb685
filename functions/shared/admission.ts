/**
 * What an admission webhook or policy denies, by the sentence of the API server: the status and the reason are the webhook's
 * own, and may be any. Names of objects stand in these texts, so only what no name can hold is matched.
 */
const DENIAL =
  /^admission webhook "|^(?:Internal error occurred: )?failed calling webhook "|\bValidatingAdmissionPolicy '/;

/** It may admit it later, and it says nothing of the object itself. */
export function isAdmissionDenial(detail: string): boolean {
  return DENIAL.test(detail);
}
