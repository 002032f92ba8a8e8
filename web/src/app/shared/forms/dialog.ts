import type { ElementRef, Signal } from '@angular/core';

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
