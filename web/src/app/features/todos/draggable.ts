import { Directive, ElementRef, inject, output } from '@angular/core';

/** A movement of fewer pixels is a click. */
const THRESHOLD = 6;
const COLUMN = '[data-status]';

/**
 * A card that is dragged to a column: anywhere with a mouse, and by its handle with a finger,
 * because a finger on the card scrolls the page. Keyboards have the card's buttons.
 */
@Directive({
  selector: '[shopDraggable]',
  host: {
    '(pointerdown)': 'start($event)',
    '(pointermove)': 'move($event)',
    '(pointerup)': 'end($event)',
    '(pointercancel)': 'cancel()',
    '(document:keydown.escape)': 'cancel()',
  },
})
export class Draggable {
  /** The status of the column that the pointer is over, while it is dragged. */
  readonly over = output<string | undefined>();
  readonly dropped = output<string | undefined>();

  private readonly element = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  private origin: { x: number; y: number } | undefined;
  private isDragging = false;

  protected start(event: PointerEvent): void {
    const pressed = event.target as Element;
    const allowed =
      event.pointerType === 'mouse' ? !pressed.closest('button') : pressed.closest('.handle');
    if (!allowed || event.button !== 0) return;
    this.origin = { x: event.clientX, y: event.clientY };
    this.element.setPointerCapture(event.pointerId);
  }

  protected move(event: PointerEvent): void {
    if (!this.origin) return;
    const x = event.clientX - this.origin.x;
    const y = event.clientY - this.origin.y;
    this.isDragging ||= Math.hypot(x, y) > THRESHOLD;
    if (!this.isDragging) return;
    this.element.classList.add('dragged');
    this.element.style.transform = `translate(${x}px, ${y}px)`;
    this.over.emit(statusAt(event));
  }

  protected end(event: PointerEvent): void {
    const status = this.isDragging ? statusAt(event) : undefined;
    this.cancel();
    if (status) this.dropped.emit(status);
  }

  protected cancel(): void {
    if (!this.origin) return;
    this.origin = undefined;
    this.isDragging = false;
    this.element.classList.remove('dragged');
    this.element.style.transform = '';
    this.over.emit(undefined);
  }
}

function statusAt({ clientX, clientY }: PointerEvent): string | undefined {
  const under = document.elementsFromPoint(clientX, clientY);
  return under.find((each) => each.matches(COLUMN))?.getAttribute('data-status') ?? undefined;
}
