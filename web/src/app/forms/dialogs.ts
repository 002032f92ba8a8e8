import {
  ApplicationRef,
  createComponent,
  type ElementRef,
  EnvironmentInjector,
  inject,
  Injectable,
  type Signal,
  type Type,
} from '@angular/core';

import type { Conflict, MergePatch } from '../api/merge';

/** A component with a native dialog, which ends with an answer. */
export interface Dialog<Question, Answer> {
  element: Signal<ElementRef<HTMLDialogElement>>;
  ask(question: Question): Promise<Answer>;
}

export interface ConfirmQuestion {
  title: string;
  text: string;
  /** The label of the button that does it. */
  action: string;
}

/** Questions to the person, each in a modal dialog. The focus returns to where it was. */
@Injectable({ providedIn: 'root' })
export class Dialogs {
  private readonly application = inject(ApplicationRef);
  private readonly environmentInjector = inject(EnvironmentInjector);

  /** Whether the person really wants it. */
  async confirm(question: ConfirmQuestion): Promise<boolean> {
    const { ConfirmDialog } = await import('./confirm-dialog');
    return this.open(ConfirmDialog, question);
  }

  /** The chosen value of each field that two people have changed; undefined if cancelled. */
  async resolve(conflicts: readonly Conflict[]): Promise<MergePatch | undefined> {
    const { ConflictDialog } = await import('./conflict-dialog');
    return this.open(ConflictDialog, conflicts);
  }

  private async open<Q, A>(type: Type<Dialog<Q, A>>, question: Q): Promise<A> {
    const { environmentInjector } = this;
    const dialog = createComponent(type, { environmentInjector });
    this.application.attachView(dialog.hostView);
    document.body.append(dialog.location.nativeElement as Node);
    try {
      const answer = dialog.instance.ask(question);
      dialog.changeDetectorRef.detectChanges();
      dialog.instance.element().nativeElement.showModal();
      return await answer;
    } finally {
      dialog.destroy();
    }
  }
}
