// Stand-in for the official `tls` plugin, only for machines that cannot download it: keys, requests and certificates.
import { createHash, createPublicKey } from "node:crypto";
import {
  compare,
  DIFF_SOME,
  diffResponse,
  isObject,
  number,
  type Properties,
  text,
  texts,
  UNKNOWN,
} from "./properties.ts";
import { type Failure, type ResourceType, serve } from "./provider.ts";
import type { Subject, Terms } from "./x509.ts";

interface Description {
  inputs: string[];
  /** Filled in for the outputs, never for the inputs. */
  defaults: Properties;
  computed: string[];
  check?: (inputs: Properties) => Failure[];
  /** Creates the resource: its id and the values of `computed`. */
  make(state: Properties): Promise<{ id: string; computed: Properties }>;
  certificate?: boolean;
}

function tlsType(description: Description): ResourceType {
  const { defaults, computed, make } = description;
  const complete = (inputs: Properties) => ({ ...defaults, ...inputs });
  return {
    check: (inputs) => ({
      inputs,
      failures: [...unsupported(inputs, description), ...(description.check?.(inputs) ?? [])],
    }),

    diff(old, inputs) {
      const changes = compare(complete(old.inputs), complete(inputs));
      const response = diffResponse(changes, (path) => path !== "earlyRenewalHours");
      // Checked against the new window: widening it can make a certificate due. It shows as a replacement without a changed input.
      if (description.certificate && inRenewalWindow(old.outputs, complete(inputs))) {
        response.setChanges(DIFF_SOME);
        response.addReplaces("readyForRenewal");
      }
      return response;
    },

    async create({ inputs, preview }) {
      const state = complete(inputs);
      if (preview) {
        const unknown = Object.fromEntries(computed.map((name) => [name, UNKNOWN]));
        return { id: "", outputs: { ...state, ...unknown, ...readiness(description, state) } };
      }
      const made = await make(state);
      return { id: made.id, outputs: { ...state, ...made.computed, ...readiness(description, state) } };
    },

    update: async ({ inputs }, { outputs }) => ({
      ...outputs,
      ...complete(inputs),
      ...readiness(description, complete(inputs)),
    }),

    read: (outputs) =>
      description.certificate && inRenewalWindow(outputs, outputs)
        ? { ...outputs, readyForRenewal: true }
        : outputs,
  };
}

function unsupported(inputs: Properties, { inputs: known }: Description): Failure[] {
  return Object.keys(inputs)
    .filter((key) => !known.includes(key) && !key.startsWith("__"))
    .map((property) => ({
      property,
      reason: `${property} is not part of this stand-in; it needs the official plugin`,
    }));
}

function readiness({ certificate }: Description, state: Properties): Properties {
  if (!certificate) return {};
  return {
    readyForRenewal: (number(state, "earlyRenewalHours") ?? 0) >= (number(state, "validityPeriodHours") ?? 0),
  };
}

function inRenewalWindow(outputs: Properties, terms: Properties): boolean {
  const end = Date.parse(text(outputs, "validityEndTime") ?? "");
  return Date.now() >= end - (number(terms, "earlyRenewalHours") ?? 0) * 3_600_000;
}

const CERTIFICATE_DEFAULTS = { earlyRenewalHours: 0, isCaCertificate: false, setSubjectKeyId: false };
const CERTIFICATE_INPUTS = [
  "validityPeriodHours",
  "allowedUses",
  "maxPathLength",
  ...Object.keys(CERTIFICATE_DEFAULTS),
];
const CERTIFICATE_COMPUTED = ["certPem", "validityStartTime", "validityEndTime"];
const BEARER_INPUTS = ["privateKeyPem", "subject", "dnsNames", "ipAddresses", "uris"];

function termsOf(state: Properties): Terms {
  return {
    validityPeriodHours: number(state, "validityPeriodHours") ?? 0,
    allowedUses: texts(state, "allowedUses"),
    isCaCertificate: state.isCaCertificate === true,
    maxPathLength: number(state, "maxPathLength"),
    setSubjectKeyId: state.setSubjectKeyId === true,
    setAuthorityKeyId: state.setAuthorityKeyId === true,
  };
}

function subjectOf(state: Properties): Subject {
  const subject = isObject(state.subject) ? state.subject : {};
  return { ...subject, streetAddresses: texts(subject, "streetAddresses") };
}

function namesOf(state: Properties) {
  return {
    dnsNames: texts(state, "dnsNames"),
    ipAddresses: texts(state, "ipAddresses"),
    uris: texts(state, "uris"),
  };
}

// Loaded when something is created: a preview, or an update without a new certificate, needs neither.
const heavy = async () => ({ x509: await import("./x509.ts"), keys: await import("./keys.ts") });

function issued(
  certificate: { serial: string; pem: string; notBefore: Date; notAfter: Date },
  rest: Properties,
) {
  const { serial, pem, notBefore, notAfter } = certificate;
  const times = { validityStartTime: notBefore.toISOString(), validityEndTime: notAfter.toISOString() };
  return { id: serial, computed: { certPem: pem, ...times, ...rest } };
}

function sha1(bytes: Buffer): string {
  return createHash("sha1").update(bytes).digest("hex");
}

const ALGORITHMS = ["RSA", "ECDSA", "ED25519"];
const ECDSA_CURVES = ["P224", "P256", "P384", "P521"];
const USES = [
  "digital_signature content_commitment key_encipherment data_encipherment key_agreement cert_signing crl_signing",
  "encipher_only decipher_only any_extended server_auth client_auth code_signing email_protection ipsec_end_system",
  "ipsec_tunnel ipsec_user timestamping ocsp_signing microsoft_server_gated_crypto netscape_server_gated_crypto",
  "microsoft_commercial_code_signing microsoft_kernel_code_signing",
].flatMap((line) => line.split(" "));

function oneOf(property: string, value: Properties[string] | undefined, allowed: string[]): Failure[] {
  if (value === undefined || value === UNKNOWN || (typeof value === "string" && allowed.includes(value)))
    return [];
  return [
    {
      property,
      reason: `${property} value must be one of: ${JSON.stringify(allowed)}, got: ${JSON.stringify(value)}`,
    },
  ];
}

const checkUses = (inputs: Properties) =>
  texts(inputs, "allowedUses").flatMap((use) => oneOf("allowedUses", use, USES));

const privateKey = tlsType({
  inputs: ["algorithm", "rsaBits", "ecdsaCurve"],
  defaults: { rsaBits: 2048, ecdsaCurve: "P224" },
  computed: [
    ...["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh", "publicKeyPem", "publicKeyOpenssh"],
    ...["publicKeyFingerprintMd5", "publicKeyFingerprintSha256"],
  ],
  check: (inputs) => [
    ...oneOf("algorithm", inputs.algorithm, ALGORITHMS),
    ...oneOf("ecdsaCurve", inputs.ecdsaCurve, ECDSA_CURVES),
  ],
  async make(state) {
    const keys = await import("./keys.ts");
    const [algorithm, curve] = [text(state, "algorithm") ?? "", text(state, "ecdsaCurve") ?? ""];
    const key = await keys.generateKey(algorithm, number(state, "rsaBits") ?? 2048, curve);
    return {
      id: sha1(createPublicKey(key).export({ format: "der", type: "spki" })),
      computed: {
        privateKeyPem: keys.pemOf(key),
        privateKeyPemPkcs8: key.export({ format: "pem", type: "pkcs8" }).toString(),
        privateKeyOpenssh: keys.opensshPem(key),
        ...keys.publicForms(key),
      },
    };
  },
});

const certRequest = tlsType({
  inputs: BEARER_INPUTS,
  defaults: {},
  computed: ["certRequestPem", "keyAlgorithm"],
  async make(state) {
    const { x509, keys } = await heavy();
    const key = keys.parseKey(text(state, "privateKeyPem") ?? "");
    const { der, pem } = x509.createRequest(
      key,
      x509.nameOf(subjectOf(state)),
      x509.generalNames(namesOf(state)),
    );
    return { id: sha1(der), computed: { certRequestPem: pem, keyAlgorithm: keys.algorithmOf(key) } };
  },
});

const selfSignedCert = tlsType({
  inputs: [...BEARER_INPUTS, ...CERTIFICATE_INPUTS, "setAuthorityKeyId"],
  defaults: { ...CERTIFICATE_DEFAULTS, setAuthorityKeyId: false },
  computed: [...CERTIFICATE_COMPUTED, "keyAlgorithm"],
  check: checkUses,
  certificate: true,
  async make(state) {
    const { x509, keys } = await heavy();
    const key = keys.parseKey(text(state, "privateKeyPem") ?? "");
    const bearer = {
      subject: x509.nameOf(subjectOf(state)),
      alternativeNames: x509.generalNames(namesOf(state)),
      publicKey: createPublicKey(key),
    };
    return issued(x509.issue(bearer, termsOf(state), key), { keyAlgorithm: keys.algorithmOf(key) });
  },
});

const locallySignedCert = tlsType({
  inputs: ["certRequestPem", "caCertPem", "caPrivateKeyPem", ...CERTIFICATE_INPUTS],
  defaults: CERTIFICATE_DEFAULTS,
  computed: [...CERTIFICATE_COMPUTED, "caKeyAlgorithm"],
  check: checkUses,
  certificate: true,
  async make(state) {
    const { x509, keys } = await heavy();
    const caKey = keys.parseKey(text(state, "caPrivateKeyPem") ?? "");
    const authority = x509.parseAuthority(text(state, "caCertPem") ?? "");
    const bearer = x509.parseRequest(text(state, "certRequestPem") ?? "");
    return issued(x509.issue(bearer, termsOf(state), caKey, authority), {
      caKeyAlgorithm: keys.algorithmOf(caKey),
    });
  },
});

serve("5.6.1", {
  "tls:index/privateKey:PrivateKey": privateKey,
  "tls:index/certRequest:CertRequest": certRequest,
  "tls:index/selfSignedCert:SelfSignedCert": selfSignedCert,
  "tls:index/locallySignedCert:LocallySignedCert": locallySignedCert,
});
