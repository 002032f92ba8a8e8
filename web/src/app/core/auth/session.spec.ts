import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';

import { CONFIG } from '../config';
import { Session } from './session';

const API = 'https://api.example';

describe('Session of an API that is open to everybody', () => {
  let requests: HttpTestingController;
  let session: Session;

  beforeEach(() => {
    localStorage.clear();
    TestBed.configureTestingModule({
      providers: [
        provideHttpClient(),
        provideHttpClientTesting(),
        { provide: CONFIG, useValue: { apiUrl: API, issuer: null } },
      ],
    });
    requests = TestBed.inject(HttpTestingController);
    session = TestBed.inject(Session);
  });

  it('takes the caller from the API, and needs no sign-in', async () => {
    await session.start();
    const caller = { subject: 'anyone', roles: ['staff'] };
    requests.expectOne(`${API}/`).flush({ caller });

    expect(await session.whenKnown()).toEqual(caller);
    expect(session.canSignIn).toBe(false);
    expect(session.isStaff()).toBe(true);
    expect(session.subject).toBe('anyone');
  });

  it('has no caller when the API does not respond', async () => {
    await session.start();
    requests.expectOne(`${API}/`).error(new ProgressEvent('error'));

    expect(await session.whenKnown()).toBeNull();
    expect(session.isSignedIn()).toBe(false);
  });

  it('forgets the caller when it expires', async () => {
    await session.start();
    requests.expectOne(`${API}/`).flush({ caller: { subject: 'ada', roles: [] } });
    await session.whenKnown();
    localStorage.setItem('signed-in', 'yes');
    session.expire();

    expect(session.isSignedIn()).toBe(false);
    expect(session.hasExpired()).toBe(true);
    expect(localStorage.getItem('signed-in')).toBeNull();
  });
});
