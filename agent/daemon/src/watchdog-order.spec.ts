import { describe, expect, it } from '@jest/globals';
import { parseOrder } from './watchdog-order.js';

describe('an order to the watchdog', () => {
  it.each([
    ['12.5', 12.5],
    ['rest', 'rest'],
    ['stop', 'stop'],
  ])('%s', (line, order) => {
    expect(parseOrder(line)).toBe(order);
  });

  it.each(['', ' ', 'NaN', 'Infinity', '-1', '1e999', 'STOP', '12x'])('is an immediate end when it is %j', (line) => {
    expect(parseOrder(line)).toBe(0);
  });
});
