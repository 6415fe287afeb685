/** `aws:///ap-northeast-1a/i-0123456789abcdef0` → the instance id. */
export function instanceIdOf(providerId: string | undefined): string {
  return providerId?.split('/').at(-1) ?? '';
}
