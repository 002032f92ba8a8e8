import { InMemoryWebStorage, UserManager, WebStorageStateStore } from 'oidc-client-ts';

import type { Config } from '../config';

/** oidc-client-ts, which does the protocol; it is loaded when somebody signs in. */
export function createUserManager(config: Config): UserManager {
  const home = `${location.origin}/`;
  return new UserManager({
    authority: config.issuer ?? '',
    client_id: config.clientId,
    redirect_uri: home,
    post_logout_redirect_uri: home,
    response_type: 'code',
    scope: config.scope,
    extraQueryParams: config.parameters,
    automaticSilentRenew: false,
    monitorSession: false,
    requestTimeoutInSeconds: 10,
    userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    // The verifier and the page to return to, while the browser is at the issuer.
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
  });
}
