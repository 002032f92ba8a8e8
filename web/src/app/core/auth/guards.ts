import { inject } from '@angular/core';
import type { CanMatchFn } from '@angular/router';

import { Session } from './session';

/** Matches for everybody who is signed in. */
export const signedIn: CanMatchFn = async () => {
  const session = inject(Session);
  await session.whenKnown();
  return session.isSignedIn();
};

/** Matches for staff. The API has the rule: this decides what is shown. */
export const staff: CanMatchFn = async () => {
  const session = inject(Session);
  await session.whenKnown();
  return session.isStaff();
};
