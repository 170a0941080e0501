/** The policy pack: what every etcd stack must keep to. Run it with `pulumi preview --policy-pack policy`. */

import { PolicyPack } from "@pulumi/policy";
import { rules } from "./rules.ts";

new PolicyPack("etcd", { policies: [...rules] });
