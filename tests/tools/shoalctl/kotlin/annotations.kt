// The rest of the stand-ins: a file has one package.
package kotlinx.serialization

annotation class Serializable
annotation class SerialName(val value: String)
