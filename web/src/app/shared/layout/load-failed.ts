import { Component, inject } from '@angular/core';

import { Announcer } from '../../core/announcer';
import { reload } from '../../core/reload';

/** Stands for a part of a page whose file cannot be loaded, and loads the page again. */
@Component({ selector: 'shop-load-failed', template: '' })
export class LoadFailed {
  constructor() {
    const announcer = inject(Announcer);
    const again = () => {
      reload(location.href, announcer);
    };
    if (navigator.onLine) again();
    else addEventListener('online', again, { once: true });
  }
}
