import { describe, expect, it } from 'vitest';
import { SseParser } from './sse';

const stream =
  ': here\nretry: 2000\n\nevent: link-state\nid: 5f-1\ndata: {"a":1}\n\nid: 5f-2\ndata: x\ndata: y\n\n';
const messages = [
  { name: 'link-state', id: '5f-1', data: '{"a":1}' },
  { name: 'message', id: '5f-2', data: 'x\ny' },
];

describe('SseParser', () => {
  it('reads messages and skips comments', () => {
    expect(new SseParser().push(stream)).toEqual(messages);
  });

  it('reads the same however the text is cut into pieces', () => {
    for (const text of [stream, stream.replaceAll('\n', '\r\n')]) {
      for (let at = 0; at <= text.length; at += 1) {
        const parser = new SseParser();
        expect([...parser.push(text.slice(0, at)), ...parser.push(text.slice(at))]).toEqual(messages);
      }
    }
  });

  it('keeps a message back until it is whole', () => {
    const parser = new SseParser();
    expect(parser.push('data: half')).toEqual([]);
    expect(parser.push('\n\n')).toEqual([{ name: 'message', id: undefined, data: 'half' }]);
  });
});
