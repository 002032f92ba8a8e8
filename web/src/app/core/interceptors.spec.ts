import { HttpClient, provideHttpClient, withInterceptors } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { firstValueFrom, of } from 'rxjs';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { Connection } from './api/connection';
import { retryInterceptor } from './api/retry.interceptor';
import { authInterceptor } from './auth/auth.interceptor';
import { Session } from './auth/session';
import { CONFIG } from './config';

const URL = 'https://api.example/products';
const UNAUTHORIZED = { status: 401, statusText: 'x' };

describe('the interceptors', () => {
  const session = { accessToken: 'old' as string | undefined, renew: vi.fn(), expire: vi.fn() };
  const connection = { wait: vi.fn() };
  let http: HttpClient;
  let requests: HttpTestingController;

  beforeEach(() => {
    vi.resetAllMocks();
    connection.wait.mockImplementation(() => of(undefined));
    session.accessToken = 'old';
    TestBed.configureTestingModule({
      providers: [
        provideHttpClient(withInterceptors([retryInterceptor, authInterceptor])),
        provideHttpClientTesting(),
        { provide: CONFIG, useValue: { apiUrl: 'https://api.example' } },
        { provide: Session, useValue: session },
        { provide: Connection, useValue: connection },
      ],
    });
    http = TestBed.inject(HttpClient);
    requests = TestBed.inject(HttpTestingController);
  });

  /** Sends a GET whose token is refused, and renews the token. */
  const getWithRefusedToken = async () => {
    session.renew.mockImplementation(() => {
      session.accessToken = 'new';
      return Promise.resolve();
    });
    const response = firstValueFrom(http.get(URL));
    requests.expectOne(URL).flush('', UNAUTHORIZED);
    await tick();
    return { response };
  };

  const tick = () => new Promise((resolve) => setTimeout(resolve));

  it('send the token to the API alone', () => {
    http.get(URL).subscribe();
    http.get('https://elsewhere.example/').subscribe();

    expect(requests.expectOne(URL).request.headers.get('Authorization')).toBe('Bearer old');
    const elsewhere = requests.expectOne('https://elsewhere.example/');
    expect(elsewhere.request.headers.has('Authorization')).toBe(false);
  });

  it('renew a token that is refused, and send the request again', async () => {
    const { response } = await getWithRefusedToken();
    const again = requests.expectOne(URL);
    again.flush({});

    expect(again.request.headers.get('Authorization')).toBe('Bearer new');
    expect(await response).toEqual({});
    expect(session.expire).not.toHaveBeenCalled();
  });

  it('end the session when the new token is refused, and read as anybody', async () => {
    const { response } = await getWithRefusedToken();
    requests.expectOne(URL).flush('', UNAUTHORIZED);
    const anonymous = requests.expectOne(URL);
    anonymous.flush({});
    await response;

    expect(session.expire).toHaveBeenCalledOnce();
    expect(anonymous.request.headers.has('Authorization')).toBe(false);
  });

  it('repeat a request that had no response, five times', async () => {
    const response = firstValueFrom(http.get(URL)).catch((error: unknown) => error);
    for (let attempt = 0; attempt < 6; attempt += 1) {
      requests.expectOne(URL).error(new ProgressEvent('error'));
    }

    expect(await response).toMatchObject({ status: 0 });
    expect(connection.wait).toHaveBeenCalledTimes(5);
  });

  it('wait as long as Retry-After says', async () => {
    const response = firstValueFrom(http.get(URL));
    const busy = { status: 503, statusText: 'x', headers: { 'Retry-After': '7' } };
    requests.expectOne(URL).flush('', busy);
    requests.expectOne(URL).flush({});
    await response;

    expect(connection.wait).toHaveBeenCalledExactlyOnceWith(7, 'busy');
  });

  it('never repeat a create without an idempotency key', async () => {
    const response = firstValueFrom(http.post(URL, {})).catch((error: unknown) => error);
    requests.expectOne(URL).error(new ProgressEvent('error'));

    expect(await response).toMatchObject({ status: 0 });
    expect(connection.wait).not.toHaveBeenCalled();
  });
});
