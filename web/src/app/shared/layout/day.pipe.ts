import { Pipe, type PipeTransform } from '@angular/core';

/** A day, of a time in RFC 3339; nothing for a text that is no time. */
@Pipe({ name: 'day' })
export class DayPipe implements PipeTransform {
  private readonly format = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });

  transform(time: string): string {
    const day = new Date(time);
    return Number.isNaN(day.getTime()) ? '' : this.format.format(day);
  }
}
