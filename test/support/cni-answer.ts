import { expect } from 'vitest';
import { supportedVersions } from '../../src/cni/types.ts';

/** What a CNI plugin may say: on success nothing or one result object, else one error object with code and message. */
export function expectCniAnswer({ ok, body }: { readonly ok: boolean; readonly body: string }): void {
  if (ok && body === '') return;
  const said: unknown = JSON.parse(body);
  if (!ok) {
    expect(said).toMatchObject({
      cniVersion: expect.any(String),
      code: expect.any(Number),
      msg: expect.stringMatching(/./),
    });
    return;
  }
  expect(said).toMatchObject({ cniVersion: expect.stringMatching(new RegExp(`^(${supportedVersions.join('|')})$`)) });
}
