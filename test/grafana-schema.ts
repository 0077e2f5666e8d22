/** Checks values against the types that Grafana publishes of its schemas (@grafana/schema), by asking the compiler for them. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const types = join(dirname(createRequire(import.meta.url).resolve('@grafana/schema/package.json')), 'dist', 'types')

const nothing = ts.TypeFlags.Undefined | ts.TypeFlags.Null

/** The published types, as the compiler reads them. */
export class GrafanaSchema {
  readonly #program: ts.Program
  readonly #checker: ts.TypeChecker

  /** @param files below dist/types of the package */
  constructor(files: readonly string[]) {
    this.#program = ts.createProgram(
      files.map((file) => join(types, file)),
      {
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        module: ts.ModuleKind.ESNext,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
      },
    )
    this.#checker = this.#program.getTypeChecker()
  }

  /** What of the value the type does not allow, a line each: a missing field, one that there is not, another value. @throws TypeError for a type that there is not */
  faults(file: string, typeName: string, value: unknown): string[] {
    const source = this.#program.getSourceFile(join(types, file))
    const module = source && this.#checker.getSymbolAtLocation(source)
    const symbol = module && this.#checker.getExportsOfModule(module).find(({ name }) => name === typeName)
    if (!source || !symbol) throw new TypeError(`${file} of @grafana/schema exports no ${typeName}`)
    const declared = symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol
    return this.#check(this.#checker.getDeclaredTypeOfSymbol(declared), value, typeName, source)
  }

  #check(type: ts.Type, value: unknown, path: string, at: ts.Node): string[] {
    const { flags } = type
    if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.TypeParameter)) return []
    if (type.isUnion()) {
      const likely = type.types.filter((one) => (one.flags & nothing) === 0)
      const all = (likely.length > 0 && value !== null && value !== undefined ? likely : type.types).map((one) =>
        this.#check(one, value, path, at),
      )
      // Of several kinds of objects the nearest tells what is wrong.
      return all.reduce((best, faults) => (faults.length < best.length ? faults : best))
    }
    if (type.isStringLiteral() || type.isNumberLiteral())
      return value === type.value
        ? []
        : [`${path}: expected ${JSON.stringify(type.value)}, got ${JSON.stringify(value)}`]
    if (flags & ts.TypeFlags.BooleanLiteral) {
      const expected = this.#checker.typeToString(type)
      return String(value) === expected && typeof value === 'boolean'
        ? []
        : [`${path}: expected ${expected}, got ${JSON.stringify(value)}`]
    }
    for (const [flag, name] of [
      [ts.TypeFlags.String, 'string'],
      [ts.TypeFlags.Number, 'number'],
      [ts.TypeFlags.Boolean, 'boolean'],
      [ts.TypeFlags.Undefined, 'undefined'],
    ] as const)
      if (flags & flag)
        return typeof value === name ? [] : [`${path}: expected a ${name}, got ${JSON.stringify(value)}`]
    if (flags & ts.TypeFlags.Null) return value === null ? [] : [`${path}: expected null, got ${JSON.stringify(value)}`]
    if (this.#checker.isArrayType(type)) {
      const [element] = this.#checker.getTypeArguments(type as ts.TypeReference)
      if (!Array.isArray(value)) return [`${path}: expected a list, got ${JSON.stringify(value)}`]
      return value.flatMap((one, index) => (element ? this.#check(element, one, `${path}[${index}]`, at) : []))
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return [`${path}: expected an object, got ${JSON.stringify(value)}`]
    return this.#checkObject(type, value, path, at)
  }

  #checkObject(type: ts.Type, value: object, path: string, at: ts.Node): string[] {
    const properties = this.#checker.getPropertiesOfType(type)
    const index = this.#checker.getIndexInfoOfType(type, ts.IndexKind.String)
    const given = new Map(Object.entries(value))
    const missing = properties
      .filter(({ name, flags }) => !given.has(name) && !(flags & ts.SymbolFlags.Optional))
      .map(({ name }) => `${path}: lacks ${name}`)
    return [
      ...missing,
      ...[...given].flatMap(([name, one]) => {
        const property = properties.find((each) => each.name === name)
        if (property)
          return this.#check(this.#checker.getTypeOfSymbolAtLocation(property, at), one, `${path}.${name}`, at)
        return index
          ? this.#check(index.type, one, `${path}.${name}`, at)
          : [`${path}: has ${name}, which there is not`]
      }),
    ]
  }
}
