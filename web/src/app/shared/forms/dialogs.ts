import {
  ApplicationRef,
  createComponent,
  EnvironmentInjector,
  inject,
  Injectable,
  type Type,
} from '@angular/core';
import { NavigationStart, Router } from '@angular/router';

import type { Conflict, MergePatch } from '../../core/api/merge';
import type { ConfirmQuestion, Dialog } from './dialog';

/**
 * Questions to the person, one at a time, each in a modal dialog. Another page ends it as Cancel does.
 * The focus returns to where it was.
 */
@Injectable({ providedIn: 'root' })
export class Dialogs {
  private readonly application = inject(ApplicationRef);
  private readonly environmentInjector = inject(EnvironmentInjector);
  private readonly router = inject(Router);
  private isOpen = false;

  /** Whether the person really wants it. False while another question is open. */
  async confirm(question: ConfirmQuestion): Promise<boolean> {
    const load = () => import('./confirm-dialog').then((file) => file.ConfirmDialog);
    return (await this.open(load, question)) ?? false;
  }

  /** The chosen value of each field that two people have changed; undefined if cancelled. */
  async chooseVersions(conflicts: readonly Conflict[]): Promise<MergePatch | undefined> {
    return this.open(
      () => import('./conflict-dialog').then((file) => file.ConflictDialog),
      conflicts,
    );
  }

  private async open<Q, A>(
    load: () => Promise<Type<Dialog<Q, A>>>,
    question: Q,
  ): Promise<A | undefined> {
    // A double click, while the file of the dialog is loaded.
    if (this.isOpen) return undefined;
    this.isOpen = true;
    try {
      return await this.show(await load(), question);
    } finally {
      this.isOpen = false;
    }
  }

  private async show<Q, A>(type: Type<Dialog<Q, A>>, question: Q): Promise<A> {
    const { environmentInjector } = this;
    const dialog = createComponent(type, { environmentInjector });
    this.application.attachView(dialog.hostView);
    document.body.append(dialog.location.nativeElement as Node);
    const navigation = this.router.events.subscribe((event) => {
      if (event instanceof NavigationStart) dialog.instance.element().nativeElement.close('');
    });
    try {
      const answer = dialog.instance.ask(question);
      dialog.changeDetectorRef.detectChanges();
      dialog.instance.element().nativeElement.showModal();
      return await answer;
    } finally {
      navigation.unsubscribe();
      dialog.destroy();
    }
  }
}
