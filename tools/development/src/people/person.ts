import { createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { toSignerKey, type RosterPerson, type SignerKey } from '@strongroom/control-plane-contract';
import { uuidv7 } from 'uuidv7';
import { DevelopmentError } from '../errors.js';
import { ed25519Key, p256Key } from '../genesis/key-files.js';
import { loadOrMake, makePrivateFolder } from '../home/private-file.js';
import { PEOPLE, PERSON_NAMES, type KeyUse, type PersonKind, type PersonName } from './person-names.js';
import { DEVELOPMENT_AAGUID, SoftwareAuthenticator } from './software-authenticator.js';

/** A person with the keys in their folder, made when missing. Keys stay inside: others get signatures and public halves. */
export class Person {
  readonly id: string;
  readonly authenticator: SoftwareAuthenticator | undefined;
  readonly #keys: ReadonlyMap<KeyUse, KeyObject>;

  private constructor(
    readonly name: PersonName,
    readonly kind: PersonKind,
    folder: string,
  ) {
    this.id = Buffer.from(loadOrMake(join(folder, 'id'), () => Buffer.from(uuidv7()))).toString('utf8');
    this.#keys = new Map(kind.keys.map((use) => [use, ed25519Key(join(folder, `${use}-key.pem`))]));
    this.authenticator = kind.approves ? new SoftwareAuthenticator(p256Key(join(folder, 'authenticator-key.pem'))) : undefined;
  }

  static open(peopleFolder: string, name: PersonName): Person {
    const folder = join(peopleFolder, name);
    makePrivateFolder(folder);
    return new Person(name, PEOPLE[name], folder);
  }

  /** @throws DevelopmentError `statement-doubtful` for a key this person does not hold */
  privateKey(use: KeyUse): KeyObject {
    const key = this.#keys.get(use);
    if (key === undefined) throw new DevelopmentError('statement-doubtful', `${this.name} holds no ${use} key`);
    return key;
  }

  signerKey(use: KeyUse): SignerKey {
    return toSignerKey(createPublicKey(this.privateKey(use)));
  }

  /** This person's line of the roster. */
  rosterEntry(): RosterPerson {
    const { roles, factors } = this.kind;
    const credentials = this.authenticator === undefined ? [] : [{ id: this.authenticator.credentialId, public_key: this.authenticator.publicKey, aaguid: DEVELOPMENT_AAGUID }];
    return { id: this.id, roles: [...roles], factors: [...factors], sign_in_keys: [this.signerKey('sign-in')], credentials };
  }
}

/** Everybody, each from their own folder. */
export function openPersons(peopleFolder: string): Readonly<Record<PersonName, Person>> {
  return Object.fromEntries(PERSON_NAMES.map((name) => [name, Person.open(peopleFolder, name)])) as Record<PersonName, Person>;
}
