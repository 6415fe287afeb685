/** Container images: repositories with their tags and digests, as ECR keeps them and as a kubelet pulls them. */
import type { WorldContext } from '../interfaces.ts';

export interface PushedImage {
  /** Of what the tag points to: an image of one platform, or an index. */
  readonly digest: string;
  /** Of an index: the images in it. Empty for an image of one platform. */
  readonly platforms: readonly string[];
}

export interface Place {
  readonly account: string;
  readonly region: string;
}

export interface ImageRegistry {
  addRepository(place: Place, name: string): void;
  has(place: Place, name: string): boolean;
  /** Moves the tag to a new image. `platforms`: how many an index holds; 0 (default) pushes no index. */
  push(
    place: Place,
    image: { readonly name: string; readonly tag: string; readonly platforms?: number },
  ): PushedImage;
  find(
    place: Place,
    name: string,
    id: { readonly tag?: string; readonly digest?: string },
  ): PushedImage | undefined;
  /**
   * The digest that a kubelet reports after it pulled `host/name:tag`. Undefined where the repository has no such image;
   * `'elsewhere'` for a registry that is not played here.
   */
  pull(image: string): string | 'elsewhere' | undefined;
}

const HOST = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/(.+)$/;

export function createImageRegistry(context: Pick<WorldContext, 'hex'>): ImageRegistry {
  const repositories = new Map<string, { tags: Map<string, string>; images: Map<string, PushedImage> }>();
  const keyOf = ({ account, region }: Place, name: string) => `${account}/${region}/${name}`;
  const registry: ImageRegistry = {
    addRepository(place, name) {
      const key = keyOf(place, name);
      if (!repositories.has(key)) repositories.set(key, { tags: new Map(), images: new Map() });
    },
    has: (place, name) => repositories.has(keyOf(place, name)),
    push(place, { name, tag, platforms = 0 }) {
      const repository = repositories.get(keyOf(place, name));
      if (!repository) throw new Error(`no repository ${name}: add it first`);
      const digest = () => `sha256:${context.hex(64)}`;
      const parts = Array.from({ length: platforms }, digest);
      const pushed = { digest: digest(), platforms: parts };
      for (const part of parts) repository.images.set(part, { digest: part, platforms: [] });
      repository.images.set(pushed.digest, pushed);
      repository.tags.set(tag, pushed.digest);
      return pushed;
    },
    find(place, name, { tag, digest }) {
      const repository = repositories.get(keyOf(place, name));
      const found = digest ?? (tag === undefined ? undefined : repository?.tags.get(tag));
      return found === undefined ? undefined : repository?.images.get(found);
    },
    pull(image) {
      const [, account = '', region = '', rest = ''] = HOST.exec(image) ?? [];
      const [reference = '', digest] = rest.split('@');
      const [name = '', tag = 'latest'] = reference.split(':');
      if (!account || !registry.has({ account, region }, name)) return 'elsewhere';
      return registry.find({ account, region }, name, digest ? { digest } : { tag })?.digest;
    },
  };
  return registry;
}
