import { describe, expect, it } from 'vitest';
import { ApiError, errorOf, fieldErrors, generalError } from './error';

const refused = errorOf(422, {
  error: {
    code: 'invalid',
    message: 'gateway: is not an IPv4 address',
    fields: [{ field: 'gateway', value: 'x', message: 'is not an IPv4 address' }],
    request_id: '01J9',
  },
});

describe('errors of the API', () => {
  it('tell each field what is wrong with it', () => {
    expect(fieldErrors(refused)).toEqual({ gateway: 'Is not an IPv4 address.' });
    expect(fieldErrors(new Error('other'))).toEqual({});
  });

  it('are told once: beside the field where there is one, else for the whole', () => {
    expect(generalError(refused, ['gateway'])).toBeUndefined();
    expect(generalError(refused, ['name'])).toBe('Gateway: is not an IPv4 address.');
    expect(generalError(null)).toBeUndefined();
  });

  it('are made of whatever a proxy in between answers', () => {
    for (const answer of ['<html>Bad Gateway</html>', undefined, {}, { error: 'text' }]) {
      expect(errorOf(502, answer).message).toBe('The server answered with status 502.');
    }
  });

  it('name a server that cannot be reached', () => {
    expect(ApiError.unreachable()).toMatchObject({ status: 0, code: 'unreachable' });
  });
});
