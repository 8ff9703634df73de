import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, parseJson, type JsonValue } from './canonicalJson.ts'

describe('canonical JSON', () => {
  it('writes the example of RFC 8785 section 3.2.2', () => {
    const text = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`
    const value = parseJson(text)
    const expected = String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`
    expect(canonicalJson(value)).toBe(expected)
  })

  it('sorts members as RFC 8785 section 3.2.3 shows', () => {
    const value = parseJson(
      String.raw`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
    )
    const order = [...canonicalJson(value).matchAll(/:"([^"]+)"/g)].map(([, name]) => name)
    expect(order).toEqual([
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
  })

  it('writes numbers as RFC 8785 appendix B lists them by their IEEE 754 bits', () => {
    const samples: readonly [string, string][] = [
      ['0000000000000000', '0'],
      ['8000000000000000', '0'],
      ['0000000000000001', '5e-324'],
      ['8000000000000001', '-5e-324'],
      ['7fefffffffffffff', '1.7976931348623157e+308'],
      ['4340000000000000', '9007199254740992'],
      ['4430000000000000', '295147905179352830000'],
      ['44b52d02c7e14af5', '9.999999999999997e+22'],
      ['44b52d02c7e14af6', '1e+23'],
      ['44b52d02c7e14af7', '1.0000000000000001e+23'],
      ['444b1ae4d6e2ef4e', '999999999999999700000'],
      ['444b1ae4d6e2ef4f', '999999999999999900000'],
      ['444b1ae4d6e2ef50', '1e+21'],
      ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
      ['3eb0c6f7a0b5ed8d', '0.000001'],
      ['41b3de4355555553', '333333333.3333332'],
      ['41b3de4355555557', '333333333.33333343'],
      ['becbf647612f3696', '-0.0000033333333333333333'],
      ['43143ff3c1cb0959', '1424953923781206.2'],
    ]
    for (const [bits, text] of samples) {
      const view = new DataView(new ArrayBuffer(8))
      view.setBigUint64(0, BigInt(`0x${bits}`))
      expect(canonicalJson(view.getFloat64(0))).toBe(text)
    }
  })

  it('is one text for one value, and reads back as that value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const plain = parseJson(JSON.stringify(value))
        const text = canonicalJson(plain)
        expect(JSON.parse(text)).toEqual(plain)
        expect(canonicalJson(parseJson(text))).toBe(text)
        expect(canonicalJson(reversed(plain))).toBe(text)
      }),
    )
  })

  it('refuses what JSON cannot say', () => {
    const refused: readonly unknown[] = [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      undefined,
      10n,
      Symbol('s'),
      () => 1,
      '\ud800',
      'a\udc00b',
      { '\ud800': 1 },
      { a: undefined },
      [undefined],
      new Date(0),
      new Map(),
      new Uint8Array(2),
    ]
    for (const value of refused) expect(() => canonicalJson(value as JsonValue)).toThrow(TypeError)
  })
})

/** The same value with all members in the opposite order. */
function reversed(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  const entries: [string, JsonValue][] = Object.entries(value)
  return Object.fromEntries(entries.toReversed().map(([key, member]) => [key, reversed(member)]))
}
