import { Pipe, type PipeTransform } from '@angular/core';

/** A day, of a time in RFC 3339. */
@Pipe({ name: 'day' })
export class DayPipe implements PipeTransform {
  private readonly format = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });

  transform(time: string): string {
    return this.format.format(new Date(time));
  }
}
