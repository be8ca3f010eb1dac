// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

/// @title The generated verifier of one model's circuit
/// @notice Always reached by a typed call: the generated code reads absolute calldata offsets, so calldata that a
/// caller built must never be forwarded to it. Declared `view`, so that the call is a static one.
interface IHalo2Verifier {
    /// @param proof the proof's transcript
    /// @param instances public instances, field elements of BN254 (each below r)
    /// @return valid true when the proof holds; the generated code reverts or returns false otherwise
    function verifyProof(bytes calldata proof, uint256[] calldata instances) external view returns (bool valid);
}
