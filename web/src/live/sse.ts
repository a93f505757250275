/** One message of a stream of server-sent events. */
export interface Message {
  name: string;
  id: string | undefined;
  data: string;
}

/**
 * Reads the text of a stream of server-sent events, in whatever pieces it comes, and hands out whole messages. We read
 * the stream ourselves because the browser's EventSource tells neither why it was refused nor that comments still
 * arrive, and without either a dead connection looks like a quiet one.
 */
export class SseParser {
  private rest = '';
  private name = 'message';
  private id: string | undefined;
  private data: string[] = [];

  push(text: string): Message[] {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): Message[] {
    if (line === '') return this.end();
    const colon = line.indexOf(':');
    if (colon === 0) return [];
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.name = value;
    if (field === 'data') this.data.push(value);
    if (field === 'id') this.id = value;
    return [];
  }

  private end(): Message[] {
    const message = { name: this.name, id: this.id, data: this.data.join('\n') };
    const isEmpty = this.data.length === 0;
    this.name = 'message';
    this.data = [];
    return isEmpty ? [] : [message];
  }
}
