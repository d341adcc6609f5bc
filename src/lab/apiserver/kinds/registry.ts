import { type Resource, resourceId } from './resource.ts';

/** The served resources, by group, version and plural. */
export class Registry {
  readonly #resources = new Map<string, Resource>();

  set(resource: Resource): void {
    this.#resources.set(`${resource.group}/${resource.version}/${resource.plural}`, resource);
  }

  /** Stops serving all versions of a resource. */
  delete(id: string): void {
    for (const [key, resource] of this.#resources) if (resourceId(resource) === id) this.#resources.delete(key);
  }

  get(group: string, version: string, plural: string): Resource | undefined {
    return this.#resources.get(`${group}/${version}/${plural}`);
  }

  /** Any version of the resource with this id, see resourceId. */
  byId(id: string): Resource | undefined {
    return this.all().find((resource) => resourceId(resource) === id);
  }

  all(): Resource[] {
    return [...this.#resources.values()];
  }

  /** One resource per store table: several versions share one. */
  tables(): Resource[] {
    return [...new Map(this.all().map((resource) => [resourceId(resource), resource])).values()];
  }
}
