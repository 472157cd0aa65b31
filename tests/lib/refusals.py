# SPDX-License-Identifier: Apache-2.0
"""Of a JSON Schema: its rules, and documents each of which breaks one rule and no other.

A rule is a keyword at a place of the schema, with every $ref followed (recursion once): one rule of
$defs counts wherever it is used. A document that breaks it is made from a valid one, at a place
that the rule speaks of. A keyword that this file does not know is an error, so that no rule is left
out silently.
"""
import copy
import itertools
import json

import jsonschema

NOTES = {"$schema", "$comment", "$defs", "title", "description", "examples", "default"}
RULES = {"type", "enum", "const", "not", "minimum", "maximum", "minLength", "maxLength", "pattern", "minItems",
         "maxItems", "uniqueItems", "minProperties", "maxProperties"}
BRANCHES = {"anyOf", "oneOf"}  # of {"required": […]} only
OF_OBJECTS = {"false", "required", "additionalProperties", "minProperties", "maxProperties"} | BRANCHES
OF_LISTS = {"minItems", "maxItems", "uniqueItems"}
FEW = 6  # documents per rule

VALUES = [None, True, 7, 0.5, "text", [], {}, [[]], -1, 0, 2**64, "", "a/b", ".a", "a\nb", "a.b", "x.sync", "7.zarr", "0", "-1",
          "__", "a__b", "a_", "1a", "<f3", "no such word"]


class Rule:
    def __init__(self, path, keyword, node, detail=None):
        self.path, self.keyword, self.node, self.detail = path, keyword, node, detail

    def __str__(self):
        detail = f" {json.dumps(self.detail)}" if self.detail is not None else ""
        return "/".join(str(p) for p in (*self.path, self.keyword)) + detail

    @property
    def error_path(self):
        return (*self.path, self.keyword) if self.keyword != "false" else self.path


class Schema:
    def __init__(self, document):
        jsonschema.Draft202012Validator.check_schema(document)
        self.document = document
        self.validator = jsonschema.Draft202012Validator(document)
        self.examples = {}

    def faults(self, instance):
        """{(path in the schema, path in the instance)}."""
        return {(tuple(e.absolute_schema_path), tuple(e.absolute_path)) for e in self.validator.iter_errors(instance)}

    def valid(self, node, instance):
        return self.validator.evolve(schema=node).is_valid(instance)

    def follow(self, node):
        """The node with what its $ref leads to laid under it."""
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            own = {k: v for k, v in node.items() if k != "$ref"}
            assert not (own.keys() & target.keys()) - NOTES, f"keywords beside $ref: {node}"
            node = {**target, **own}
        return node

    # ---- places: (keyword, name or None, node) below a node ----

    @staticmethod
    def below(node):
        for keyword in ("properties", "dependentSchemas"):
            for name, child in node.get(keyword, {}).items():
                yield (keyword, name), child
        for i, child in enumerate(node.get("prefixItems", [])):
            yield ("prefixItems", i), child
        for keyword in ("items", "additionalProperties", "propertyNames", "then", "else"):
            if keyword in node:
                yield (keyword,), node[keyword]

    def rules(self, node=None, path=(), stack=()):
        node = self.document if node is None else node
        if node is True:
            return
        if node is False:
            yield Rule(path, "false", node)
            return
        if "$ref" in node:
            if node["$ref"] in stack:
                return
            stack = (*stack, node["$ref"])
            node = self.follow(node)
        known = NOTES | RULES | BRANCHES | {"required", "properties", "dependentSchemas", "prefixItems", "items",
                                            "additionalProperties", "propertyNames", "if", "then", "else"}
        assert node.keys() <= known, f"{path}: no test for {node.keys() - known}"
        for keyword in node:
            if keyword in RULES:
                yield Rule(path, keyword, node)
            elif keyword == "required":
                for name in node[keyword]:
                    yield Rule(path, keyword, node, name)
            elif keyword in BRANCHES:
                assert all(b.keys() == {"required"} for b in node[keyword]), f"{path}: {keyword}"
                names = [b["required"] for b in node[keyword]]
                yield Rule(path, keyword, node, [])
                if keyword == "oneOf":
                    for a, b in itertools.combinations(names, 2):
                        yield Rule(path, keyword, node, a + b)
        for step, child in self.below(node):
            if step == ("additionalProperties",) and child is False:
                yield Rule(path, "additionalProperties", node)
            else:
                yield from self.rules(child, path + step, stack)

    # ---- where in an instance a rule holds ----

    def places(self, path, instance, node=None, at=()):
        """(path of the value, the value) for each that the schema at `path` speaks of; of a property
        that the schema forbids and of a name: (path of the object, the object)."""
        node = self.follow(self.document if node is None else node)
        if not path:
            yield at, instance
            return
        keyword, is_object, is_list = path[0], isinstance(instance, dict), isinstance(instance, list)
        if keyword in ("then", "else"):
            if self.valid(node["if"], instance) == (keyword == "then"):
                yield from self.places(path[1:], instance, node[keyword], at)
        elif keyword == "propertyNames":
            if is_object and instance:
                yield at, instance
        elif keyword in ("properties", "dependentSchemas"):
            name, child = path[1], node[keyword][path[1]]
            if is_object and child is False:
                yield at, instance
            elif is_object and name in instance:
                inner = keyword == "properties"
                yield from self.places(path[2:], instance[name] if inner else instance, child, at + (name,) if inner else at)
        elif keyword == "additionalProperties":
            for name in instance if is_object else ():
                if name not in node.get("properties", {}):
                    yield from self.places(path[1:], instance[name], node[keyword], at + (name,))
        elif keyword == "prefixItems":
            if is_list and len(instance) > path[1]:
                yield from self.places(path[2:], instance[path[1]], node[keyword][path[1]], at + (path[1],))
        elif keyword == "items":
            for i in range(len(node.get("prefixItems", [])), len(instance) if is_list else 0):
                yield from self.places(path[1:], instance[i], node[keyword], at + (i,))

    # ---- breaking it ----

    def example(self, node, name):
        node = self.follow(node.get("properties", {}).get(name, True))
        return node["examples"][0] if isinstance(node, dict) and "examples" in node else 1

    def broken(self, rule, value):
        """(value that breaks the rule, name of the member that was changed or None)."""
        node, keyword = rule.node, rule.keyword
        bound = node[keyword] if isinstance(node, dict) and keyword in node else None
        of = dict if keyword in OF_OBJECTS else list if keyword in OF_LISTS else object
        if not isinstance(value, of):
            return
        if keyword == "false":
            name = rule.path[-1]
            yield {**value, name: self.example(self.document, name)}, name
        elif rule.path and rule.path[-1] == "propertyNames":
            some = next(iter(value.values()))
            for name in [*(v for v in VALUES if isinstance(v, str)), "x" * (node.get("maxLength", 0) + 1)]:
                if name not in value:
                    yield {**value, name: some}, name
        elif keyword == "required":
            yield {k: v for k, v in value.items() if k != rule.detail}, rule.detail
        elif keyword in BRANCHES:
            named = {n for b in bound for n in b["required"]}
            kept = {k: v for k, v in value.items() if k not in named}
            yield {**kept, **{n: value[n] if n in value else self.example(node, n) for n in rule.detail}}, None
        elif keyword == "additionalProperties":
            yield {**value, "unknown_key": 1}, "unknown_key"
            yield {"unknown_key": 1}, "unknown_key"
        elif keyword in ("minimum", "maximum"):
            yield bound + (1 if keyword == "maximum" else -1), None
            yield bound + (1000 if keyword == "maximum" else -1000), None
        elif keyword == "maxLength" and isinstance(value, str):
            yield (value or "x") * (bound + 1), None
            yield (value + "x" * bound)[:bound + 1], None
        elif keyword == "minItems" and isinstance(value, list):
            yield value[:bound - 1], None
        elif keyword == "maxItems" and isinstance(value, list):
            yield list(itertools.islice(itertools.cycle(value or [0]), bound + 1)), None
            yield [f"d{i}" for i in range(bound + 1)], None
        elif keyword == "uniqueItems" and isinstance(value, list) and value:
            yield [*value, value[0]], None
        elif keyword == "minProperties" and isinstance(value, dict):
            yield dict(list(value.items())[:bound - 1]), None
        elif keyword == "maxProperties" and isinstance(value, dict) and value:
            some, name = next(iter(value.values())), next(iter(value))
            names = [n for n in node.get("properties", {}) if n not in value] or [f"{name}{i}" for i in range(bound + 1)]
            known = node.get("properties", {})
            yield {**value, **{n: self.example(node, n) if n in known else some for n in names[:bound]}}, None
        else:
            for other in VALUES:
                yield other, None

    def refusals(self, rule, seeds):
        """[(name of the seed, document, path of the fault)]: documents that break `rule` alone."""
        for name, seed in seeds.items():
            for at, value in self.places(rule.path, seed):
                found = []
                for other, member in self.broken(rule, value):
                    document = replaced(seed, at, other)
                    where = at + (rule.path[-1],) if rule.keyword == "false" else at
                    if self.faults(document) == {(rule.error_path, where)}:
                        found.append((name, document, at + (member,) if member is not None else at))
                if found:
                    return found[:FEW]
        return []

    def types_seen(self, rule, seeds):
        """Of a rule `type`: those of its types that a place of a seed has."""
        wanted, seen = rule.node["type"], set()
        for seed in seeds.values():
            for _, value in self.places(rule.path, seed):
                seen |= {t for t in ([wanted] if isinstance(wanted, str) else wanted)
                         if self.validator.is_type(value, t)}
        return seen


def replaced(document, at, value):
    if not at:
        return value
    document = copy.copy(document)
    document[at[0]] = replaced(document[at[0]], at[1:], value)
    return document


def pointer(at):
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in at)
