// Rows as the stores take them, for tests that only care that there is one.

import { random } from '../../src/crypto.ts';
import type { ArtifactRow } from '../../src/storage/artifacts.ts';

export const artifact = (given: Partial<ArtifactRow> = {}): ArtifactRow => ({
  key: random(),
  model: 'AuthorizationCode',
  payload: '{}',
  familyId: null,
  uid: null,
  expiresAt: Date.now() + 60_000,
  consumedAt: null,
  ...given,
});
