"""Topics as declared: defaults, names, aliases, checks of fields, groups."""

import pytest

from eventmill.topics import Field, Topic, TopicError, groups, with_defaults


def test_three_topics_are_always_there():
    assert sorted(with_defaults({})) == ["event", "log", "request"]


def test_a_declared_topic_replaces_a_default():
    assert with_defaults({"event": Topic(field_count=2)})["event"].field_count == 2


@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ({"Bad Name": Topic()}, r"topics\.Bad Name: a name has"),
        ({"x" * 64: Topic()}, "at most 63 characters"),
        ({"a": Topic(group="A B")}, r"topics\.a\.group: 'A B'"),
        ({"a": Topic(aliases=["a"])}, r"topics\.a\.aliases: 'a' must be a path"),
        ({"a": Topic(aliases=["/a?x"])}, "must be a path"),
        ({"a": Topic(aliases=["/a"]), "b": Topic(aliases=["/a"])}, "/a already belongs to topic a"),
        ({"a": Topic(fields={"f": Field(pattern="(")})}, r"topics\.a\.fields\.f\.pattern"),
        ({"a": Topic(fields={"f": Field(type="enum")})}, "an enum needs values"),
        ({"a": Topic(fields={"f": Field(type="number", min=2, max=1)})}, "min 2 is above max 1"),
        ({"a": Topic(fields={"f": Field(min_length=2, max_length=1)})}, "min_length 2 is above max_length 1"),
        ({"a": Topic(fields={"f": Field(min=1)})}, "min and max are for number and integer"),
        ({"a": Topic(fields={"f": Field(type="number", pattern="1")})}, "pattern are for string"),
        ({"a": Topic(fields={"f": Field(type="string", values=["x"])})}, "values are for enum"),
    ],
)
def test_errors_name_the_topic(topics, message):
    with pytest.raises(TopicError, match=message):
        with_defaults(topics)


def test_only_topics_with_checks_keep_the_text_as_sent():
    assert not Topic().checked
    assert Topic(field_count=1).checked
    assert Topic(extra="reject").checked
    assert Topic(fields={"f": Field()}).checked


def test_groups_gather_their_topics():
    found = groups(with_defaults({"a": Topic(group="a")}))
    assert found["a"] == ["a"]
    assert sorted(found["store"]) == ["event", "log", "request"]
