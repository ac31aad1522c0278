//! Closed vocabularies that stay open: a value outside the list is kept as it is.

/// Defines an enum whose values are texts. Unknown texts become `Other`, so that reading never
/// fails and nothing is lost. The default is the first one, or the one named after `default`.
macro_rules! text_enum {
    (@default $named:ident, $($variant:ident)+) => { Self::$named };
    (@default , $first:ident $($rest:ident)*) => { Self::$first };
    ($(#[$meta:meta])* $name:ident $(default $default:ident)? {
        $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A value outside the list, kept as it was found.
            Other(Box<str>),
        }

        impl $name {
            /// The stored text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                crate::record::text_enum::text_enum!(@default $($default)?, $($variant)+)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    other => Self::Other(other.into()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl crate::base::key::Key for $name {
            fn write_key(&self, out: &mut Vec<u8>) {
                self.as_str().write_key(out);
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a text")
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        Ok($name::from(text))
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}
pub(crate) use text_enum;

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "vocabularies are public where they are used")]

    text_enum! {
        /// For the test.
        Light {
            /// Stop.
            Red = "red",
            /// Go.
            Green = "green",
        }
    }

    text_enum! {
        /// For the test, with a default of its own.
        Lamp default Off {
            /// Shines.
            On = "on",
            /// Does not.
            Off = "off",
        }
    }

    #[test]
    fn the_default_is_the_first_or_the_named_one() {
        assert_eq!((Light::default(), Lamp::default()), (Light::Red, Lamp::Off));
    }

    #[test]
    fn an_unknown_text_is_kept() {
        assert_eq!(Light::from("red"), Light::Red);
        let odd = Light::from("mauve");
        assert_eq!(odd.as_str(), "mauve");
        let bytes = crate::base::codec::encode(&odd).unwrap();
        assert_eq!(crate::base::codec::decode::<Light>(&bytes).unwrap(), odd);
    }
}
